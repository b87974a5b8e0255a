"""What a figure shows, as text."""

from matplotlib.figure import Figure


def axes_of(figure, count):
    assert isinstance(figure, Figure)
    assert len(figure.axes) == count
    figure.draw_without_rendering()
    return figure.axes if count > 1 else figure.axes[0]


def labels(axis):
    return axis.get_xlabel(), axis.get_ylabel()


def ticks(axis):
    return [tick.get_text() for tick in axis.get_xticklabels()]


def legend(axis):
    return [text.get_text() for text in axis.get_legend().get_texts()]


def texts(axis):
    return [text.get_text() for text in axis.texts]
