import pytest

from tutorial_lib.data.html import holds_html, visible_text


@pytest.mark.parametrize(
    "text",
    [
        "put <your name> here",
        "a < b and c > d",
        "if <p is open",
        "mail <joe@x.example>",
        "1 << 2",
        "<name></name>",
        "<b> alone",
    ],
)
def test_plain_text_with_angle_brackets_is_no_html(text):
    assert not holds_html(text)
    assert visible_text(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ('<div class="x"><style>.a{b:c}</style><p>One.</p><p>&nbsp;</p><p>Two&nbsp;three.</p></div>', "One.\n\nTwo three."),
        ("Hello<br>there<BR/>you", "Hello\nthere\nyou"),
        ("<p>in\nthe\tsource</p>", "in the source"),
        ("<pre>kept\nlines</pre>", "kept\nlines"),
        (
            "<p>write <your name>, a < b &amp; &lt;code&gt; to <joe@x.example></p>",
            "write <your name>, a < b & <code> to <joe@x.example>",
        ),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3"),
        ("<p>a</p><!-- hidden <p>b</p> --><script>c</script><p style='display: none'>d</p><p>e</p>", "a\n\ne"),
        ("<p>a</p><!-- never closed, b", "a\nnever closed, b"),
        ("<![if !mso]><p>a<o:p></o:p></p>", "a"),
    ],
)
def test_a_reader_sees(text, seen):
    assert holds_html(text)
    assert visible_text(text) == seen


def test_entities_of_a_cell_without_tags_are_characters_and_its_lines_stay():
    assert visible_text("Tom &amp; Ola\n  don&#39;t &nosuch; ?a=1&copy=2") == "Tom & Ola\n  don't &nosuch; ?a=1&copy=2"
