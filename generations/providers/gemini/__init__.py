"""Google's Gemini pictures: the call's answer is the result; it takes no task id of ours."""
