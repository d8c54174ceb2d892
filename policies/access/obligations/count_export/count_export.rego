# The persons whose data leaves China are counted for the provider and the year, as the grant commits.
package access.obligations

import data.lib.abroad
import data.lib.personal

# Whether it is sensitive: what is not known to be plain is.
owed["count_export"] := {{"kind": "count_export", "sensitive": sensitive} |
	abroad.exported
	sensitive := count_export_sensitive(input)
}

count_export_sensitive(document) := false if {
	is_array(document.dataset.contains)
	personal.plain
} else := true
