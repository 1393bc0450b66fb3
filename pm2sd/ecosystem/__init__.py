"""What the user wrote: ecosystem files and flags, read, validated and made into Apps."""
