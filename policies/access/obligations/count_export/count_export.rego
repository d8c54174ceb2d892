# The persons whose data leaves China are counted for the provider and the year, as the grant commits.
package access.obligations

# Whether it is sensitive: what is not known to be plain is.
owed["count_export"] := {{"kind": "count_export", "sensitive": sensitive} |
	data.lib.abroad.exported
	sensitive := count_export_sensitive(input)
}

count_export_sensitive(document) := false if {
	is_array(document.dataset.contains)
	data.lib.personal.plain
} else := true
