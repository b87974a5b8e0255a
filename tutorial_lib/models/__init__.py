"""What turns text into numbers: encoders, their folders, prompts and adapters."""
