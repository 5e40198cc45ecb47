// Joins the page to the live client, and says in words how things stand between them.
