# Derived data goes back to the provider, where the dataset asks for it.
package access.obligations

owed["return_derived_data"] := {{"kind": "return_derived_data"} |
	data.access.obligations.return_derived_data.table.term in data.lib.duo.codes
}
