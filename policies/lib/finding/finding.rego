# METADATA
# description: |
#   How a rule says why. Only functions: they cost nothing while a rule is content.
#   `paths` are dotted places in the input; what is not there is shown as null, so that a finding
#   is never undefined for want of a fact.
package lib.finding

deny(code, text, paths, source, remedy) := {
	"code": code,
	"effect": "deny",
	"text": text,
	"facts": facts(paths),
	"source": source,
	"remedy": remedy,
}

refer(code, text, paths, source, remedy) := {
	"code": code,
	"effect": "refer",
	"text": text,
	"facts": facts(paths),
	"source": source,
	"remedy": remedy,
}

facts(paths) := {path: value |
	some path in paths
	value := object.get(input, split(path, "."), null)
}
