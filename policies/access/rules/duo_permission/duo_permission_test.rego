package access.rules_test.duo_permission_test

import data.access.rules
import data.lib.valid_test as valid

# The vectors of the health data rules, section 3.3, with edges between them. What it is asked for by default: health
# research by a public hospital, not commercial.
default_purpose := {
	"id": "P02",
	"research": true,
	"health": true,
	"commercial": false,
	"methods": false,
	"ancestry": false,
	"genetic": false,
	"clinical_care": false,
	"disease_terms": [],
	"flags": [],
}

hospital := {"/participant/for_profit": false}

company := {"/participant/for_profit": true}

asked(who, tags, facts) := valid.with_all(valid.document, object.union(who, {
	"/dataset/duo": tags,
	"/request/purpose": object.union(default_purpose, facts),
}))

# Code and effect of everything it says.
said(document) := {[found.code, found.effect] | some found in verdict} if {
	verdict := rules.verdict.duo_permission with input as document
	is_set(verdict)
}

cancer := {"id": "DUO:0000007", "disease_terms": ["MONDO:0004992"]}

lung := {"id": "DUO:0000007", "disease_terms": ["MONDO:0008903"]}

nres := {"id": "DUO:0000004"}

gru := {"id": "DUO:0000042"}

hmb := {"id": "DUO:0000006"}

poa := {"id": "DUO:0000011"}

of_lung := {"disease_terms": ["MONDO:0008903"]}

of_cancer := {"disease_terms": ["MONDO:0004992"]}

of_both := {"disease_terms": ["MONDO:0008903", "MONDO:0005148"]}

permitted := {
	"V01": asked(company, [gru], {}),
	"V04": asked(hospital, [cancer], of_lung),
	"the very disease": asked(hospital, [lung], of_lung),
	"V08": asked(hospital, [poa], {"ancestry": true}),
	"V10": asked(company, [hmb, {"id": "DUO:0000046"}], {}),
	"V13": asked(hospital, [hmb, {"id": "DUO:0000018"}], {}),
	"not-for-profit, commercial": asked(hospital, [hmb, {"id": "DUO:0000045"}], {"commercial": true}),
	"no methods": asked(hospital, [hmb, {"id": "DUO:0000015"}], {}),
	"V15": asked(hospital, [cancer, {"id": "DUO:0000015"}], object.union(of_lung, {"methods": true})),
	"no ancestry": asked(hospital, [gru, {"id": "DUO:0000044"}], {}),
	"no ancestry, eight digits": asked(hospital, [gru, {"id": "DUO:00000044"}], {}),
	"V26": asked(hospital, [hmb, {"id": "DUO:0000043"}], {"clinical_care": true}),
	"care without restriction": asked(hospital, [nres], {"clinical_care": true, "research": false}),
	"care for what is given for care beside a disease": asked(
		hospital,
		[cancer, {"id": "DUO:0000043"}],
		{"clinical_care": true, "research": false},
	),
	"anything without restriction": asked(
		company,
		[nres],
		{"research": false, "health": false, "ancestry": true, "commercial": true},
	),
	"genetic": asked(hospital, [gru, {"id": "DUO:0000016"}], {"genetic": true}),
	"ancestry, any research": asked(hospital, [gru], {"ancestry": true}),
	"any research, not health": asked(hospital, [gru], {"health": false}),
	"a code of another rule": asked(hospital, [hmb, {"id": "DUO:0000021"}], {}),
}

test_permits if {
	every document in permitted {
		rules.verdict.duo_permission == "ok" with input as document
	}
}

refused := {
	"V02": [asked(hospital, [hmb], {"health": false}), {"DUO-06"}],
	"V03": [asked(hospital, [hmb], {"ancestry": true}), {"DUO-06"}],
	"no research": [asked(hospital, [hmb], {"research": false}), {"DUO-06"}],
	"no research, any": [asked(hospital, [gru], {"research": false}), {"DUO-42"}],
	"V05": [asked(hospital, [lung], of_cancer), {"DUO-07"}],
	"V06": [asked(hospital, [cancer], {}), {"DUO-07"}],
	"V07": [asked(hospital, [cancer], of_both), {"DUO-07"}],
	"of no disease at all": [asked(hospital, [{"id": "DUO:0000007", "disease_terms": []}], {}), {"DUO-07"}],
	"given for no disease": [asked(hospital, [{"id": "DUO:0000007"}], of_lung), {"DUO-07"}],
	"a disease nobody knows": [asked(hospital, [cancer], {"disease_terms": ["MONDO:9999999"]}), {"DUO-07"}],
	"ancestry of a disease": [asked(hospital, [cancer], object.union(of_lung, {"ancestry": true})), {"DUO-07"}],
	"care of a disease": [asked(hospital, [cancer], object.union(of_lung, {"clinical_care": true})), {"DUO-43"}],
	"no research of a disease": [asked(hospital, [cancer], object.union(of_lung, {"research": false})), {"DUO-07"}],
	"V09": [asked(hospital, [poa], {}), {"DUO-11"}],
	"ancestry of a named disease": [asked(hospital, [poa], object.union(of_lung, {"ancestry": true})), {"DUO-11"}],
	"methods of ancestry": [asked(hospital, [poa], {"ancestry": true, "methods": true}), {"DUO-11"}],
	"ancestry, no research": [asked(hospital, [poa], {"ancestry": true, "research": false}), {"DUO-11"}],
	"V11": [asked(company, [hmb, {"id": "DUO:0000045"}], {}), {"DUO-45"}],
	"V12": [asked(company, [hmb, {"id": "DUO:0000046"}], {"commercial": true}), {"DUO-46"}],
	"commerce of a hospital": [asked(hospital, [hmb, {"id": "DUO:0000018"}], {"commercial": true}), {"DUO-18"}],
	"a company without commerce": [asked(company, [hmb, {"id": "DUO:0000018"}], {}), {"DUO-18"}],
	"V14": [asked(hospital, [hmb, {"id": "DUO:0000015"}], {"methods": true}), {"DUO-15"}],
	"methods on a disease, any health": [
		asked(hospital, [hmb, {"id": "DUO:0000015"}], object.union(of_lung, {"methods": true})),
		{"DUO-15"},
	],
	"methods on another disease": [
		asked(hospital, [lung, {"id": "DUO:0000015"}], object.union(of_cancer, {"methods": true})),
		{"DUO-07", "DUO-15"},
	],
	"V16": [asked(hospital, [gru, {"id": "DUO:00000044"}], {"ancestry": true}), {"DUO-44"}],
	"V16, seven digits": [asked(hospital, [gru, {"id": "DUO:0000044"}], {"ancestry": true}), {"DUO-44"}],
	"V24": [asked(hospital, [gru, hmb], {}), {"DUO-00"}],
	"the same permission twice": [asked(hospital, [gru, gru], {}), {"DUO-00"}],
	"no permission": [asked(hospital, [{"id": "DUO:0000044"}], {}), {"DUO-00"}],
	"no code": [asked(hospital, [], {}), {"DUO-00"}],
	"V25": [asked(hospital, [hmb], {"clinical_care": true}), {"DUO-43"}],
	"V25, any research": [asked(hospital, [gru], {"clinical_care": true}), {"DUO-43"}],
	"care for ancestry": [asked(hospital, [poa], {"clinical_care": true, "ancestry": true}), {"DUO-43"}],
	"care does not lift a modifier": [
		asked(company, [hmb, {"id": "DUO:0000043"}, {"id": "DUO:0000045"}], {"clinical_care": true}),
		{"DUO-45"},
	],
	"V27": [asked(hospital, [gru, {"id": "DUO:0000016"}], {}), {"DUO-16"}],
	"a disease beside another code is none it was given for": [
		asked(hospital, [lung, {"id": "DUO:0000021", "disease_terms": ["MONDO:0004992"]}], of_cancer),
		{"DUO-07"},
	],
	"ancestry of a disease that another code names": [
		asked(hospital, [poa, lung], object.union(of_lung, {"ancestry": true})),
		{"DUO-00", "DUO-07", "DUO-11"},
	],
	"the care modifier is for care": [asked(hospital, [hmb, {"id": "DUO:0000043"}], {"ancestry": true}), {"DUO-06"}],
}

test_refuses if {
	every name, row in refused {
		{name: said(row[0])} == {name: {[code, "deny"] | some code in row[1]}}
	}
}

# V29 and its kind: what is not stated is not proven. Flags and diseases may not be missing either.
test_an_unproven_fact_is_refused if {
	facts := {
		"commercial": [{"id": "DUO:0000046"}, "DUO-46"],
		"genetic": [{"id": "DUO:0000016"}, "DUO-16"],
		"methods": [{"id": "DUO:0000015"}, "DUO-15"],
		"ancestry": [{"id": "DUO:0000044"}, "DUO-44"],
	}
	every fact, row in facts {
		every unproven in [
			valid.lacking(asked(hospital, [gru, row[0]], {"genetic": true}), sprintf("/request/purpose/%s", [fact])),
			asked(hospital, [gru, row[0]], object.union({"genetic": true}, {fact: null})),
		] {
			said(unproven) == {[row[1], "deny"]}
		}
	}
	every fact in ["research", "health", "ancestry", "clinical_care"] {
		said(valid.lacking(asked(hospital, [hmb], {}), sprintf("/request/purpose/%s", [fact]))) == {["DUO-06", "deny"]}
	}
	unprofitable := asked(hospital, [hmb, {"id": "DUO:0000045"}], {})
	said(valid.lacking(unprofitable, "/participant/for_profit")) == {["DUO-45", "deny"]}
	every path in ["/request/purpose/disease_terms"] {
		said(valid.lacking(asked(hospital, [cancer], of_lung), path)) == {["DUO-07", "deny"]}
		said(valid.lacking(asked(hospital, [poa], {"ancestry": true}), path)) == {["DUO-11", "deny"]}
	}
	said(valid.lacking(asked(hospital, [hmb], {}), "/request/purpose/flags")) == {["DUO-90", "refer"]}
	said(valid.lacking(asked(hospital, [hmb], {}), "/dataset/duo")) == {["DUO-00", "deny"]}
}

test_flags_ask_a_person if {
	flagged := asked(hospital, [hmb], {"flags": ["control_set"]})
	said(flagged) == {["DUO-90", "refer"]}
	said(valid.with_all(flagged, {"/request/purpose/flags": null})) == {["DUO-90", "refer"]}
}

# V22: what is refused stays refused.
test_what_is_refused_is_said_beside_what_is_referred if {
	flagged := asked(hospital, [cancer], {"flags": ["control_set"]})
	said(flagged) == {["DUO-07", "deny"], ["DUO-90", "refer"]}
}

# V30: roots of the ontology, and codes nobody knows.
test_an_unknown_code_asks_a_person if {
	every code in ["DUO:0000001", "DUO:0000017", "DUO:9999999"] {
		unknown := asked(hospital, [hmb, {"id": code}], {})
		said(unknown) == {["DUO-99", "refer"]}
		said(asked(hospital, [{"id": code}], {})) == {["DUO-00", "deny"], ["DUO-99", "refer"]}
	}
}

test_a_tag_without_an_id_asks_a_person if {
	unnamed := asked(hospital, [hmb, {}], {})
	said(unnamed) == {["DUO-99", "refer"]}
	said(valid.with_all(unnamed, {"/dataset/duo/1/id": null})) == {["DUO-99", "refer"]}
}

test_a_refusal_says_what_is_allowed_and_what_it_looked_at if {
	some found in rules.verdict.duo_permission with input as asked(hospital, [hmb], {"ancestry": true})
	found.text == concat("", [
		"The dataset's data use condition HMB does not allow this:",
		" health, medical or biomedical research, not ancestry.",
	])
	found.facts["request.purpose.ancestry"] == true
}

# What these ask for is asked by rules of their own.
test_codes_of_other_rules_are_neither_permissions_nor_conditions_here if {
	every code in [12, 19, 20, 21, 22, 24, 25, 26, 27, 28, 29, 43] {
		document := asked(hospital, [hmb, {"id": sprintf("DUO:00000%d", [code])}], {})
		rules.verdict.duo_permission == "ok" with input as document
	}
}

test_work_on_the_right_disease_excuses_methods_only if {
	of := object.union(of_lung, {"commercial": true})
	said(asked(hospital, [cancer, {"id": "DUO:0000046"}], of)) == {["DUO-46", "deny"]}
	said(asked(company, [cancer, {"id": "DUO:0000045"}], of)) == {["DUO-45", "deny"]}
	said(asked(company, [cancer, {"id": "DUO:0000018"}], of)) == {["DUO-18", "deny"]}
	said(asked(hospital, [cancer, {"id": "DUO:0000016"}], of)) == {["DUO-16", "deny"]}
}
