"""Chat completions in OpenAI's form, for a double to answer with."""


def completion(text, *, prompt_tokens=7, completion_tokens=3, finish_reason="stop", **more):
    """A chat completion in OpenAI's form."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "tiny-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
        **more,
    }


def echo(_, body):
    """Answer with the last message."""
    return 200, completion(f"You said: {body['messages'][-1]['content']}")
