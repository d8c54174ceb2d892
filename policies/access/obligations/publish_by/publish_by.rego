# Results on data of European origin are made public in time, where the rules of European law are on.
package access.obligations

owed["publish_by"] := {{"kind": "publish_by", "months": data.access.obligations.publish_by.table.months} |
	data.access.obligations.publish_by.table.beside in data.bundle.rules
	not data.lib.europe.elsewhere
}
