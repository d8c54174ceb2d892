"""The pages: for people with a browser. A face like REST; it thinks nothing of its own.

A page is one function, one template, and works without script. Who is signed in is an agent, with the roles it is
enrolled with; what a page shows is asked of the same rooms that REST asks, and a look at the log is an entry here too.
Every text that somebody may set is shown as text: templates escape, and the content security policy lets nothing run
that did not come with the page.
"""
