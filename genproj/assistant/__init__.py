"""Conversations, their messages, and the turns in which an answer is worked out.

It owns the talk and the language model's protocol; apps bring prompts, tools and an audience.
Promises that a message is committed before it is answered, and that a turn ends in one answer.
Must never know a video, a space or a tool.
"""
