# The results are published, where the dataset asks for it.
package access.obligations

owed["publish_results"] := {{"kind": "publish_results"} |
	data.access.obligations.publish_results.table.term in data.lib.duo.codes
}
