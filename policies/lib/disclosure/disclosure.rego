# METADATA
# description: Which columns persons share, so that a value of one is not the name of somebody.
package lib.disclosure

# Published under a role that is known, and not what tells persons apart.
shared(document, name) if {
	name != document.dataset.person_column
	some column in document.dataset.columns
	column.name == name
	column.role in data.lib.disclosure.table.shared_roles
}
