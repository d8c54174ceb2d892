# METADATA
# description: |
#   How a rule says why. What it says stands in the rule's own table, where people read it without Rego: code, effect,
#   text, the facts it looks at, its source in law or standard, and what would make it pass. Only functions: they cost
#   nothing while a rule is content. What is not there is shown as null, so that a finding is never undefined for want
#   of a fact.
package lib.finding

made(entry) := {
	"code": entry.code,
	"effect": entry.effect,
	"text": entry.text,
	"facts": {path: value |
		some path in entry.facts
		value := shown(path)
	},
	"source": entry.source,
	"remedy": entry.remedy,
}

# Who asks reads the facts: of a list of who else is let in, it is not told who is on it; and of a long list the first
# few are told, and how many more there are. The input is kept whole beside the log.
shown(path) := shortened([told(path, element) |
	some element in object.get(input, split(path, "."), [])
]) if {
	is_array(object.get(input, split(path, "."), null))
} else := object.get(input, split(path, "."), null)

told(path, element) := {name: short |
	withheld := object.get(data.lib.finding.table.withheld, path, [])
	some name, value in object.remove(element, withheld)
	short := short_list(value)
} if {
	is_object(element)
} else := element

shortened(list) := list if {
	count(list) <= data.lib.finding.table.most
} else := array.concat(
	array.slice(list, 0, data.lib.finding.table.most),
	[sprintf(data.lib.finding.table.more, [count(list) - data.lib.finding.table.most])],
)

short_list(value) := shortened(value) if {
	is_array(value)
} else := value

# The same, with what was found filled into the text.
filled(entry, values) := made(object.union(entry, {"text": sprintf(entry.text, values)}))
