# METADATA
# description: A request that every rule is content with, for tests to change.
package lib.valid_test

document := {
	"context": {
		"now": 1795392000,
	},
	"participant": {
		"id": "did:web:pharma.example",
		"kind": "pharma",
		"country": "CN",
		"identity_verified": true,
		"for_profit": true,
		"public_body": false,
		"overseas_entity": false,
		"foreign_equity_pct": 0,
		"foreign_control": false,
		"ciio": false,
		"in_ftz": true,
		"mlps_level": 3,
		"persons_held": 5000,
		"security_officer": false,
		"blocked": false,
	},
	"user": {
		"id": "a-0123456789abcdef0123",
		"org_id": "did:web:pharma.example",
		"roles": [
			"researcher",
		],
		"accessing_from": "CN-BJ",
		"secure_environment": false,
	},
	"provider": {
		"id": "did:web:hospital.example",
		"kind": "hospital",
		"country": "CN",
		"identity_verified": true,
		"for_profit": false,
		"public_body": true,
		"overseas_entity": false,
		"foreign_equity_pct": 0,
		"foreign_control": false,
		"ciio": false,
		"in_ftz": true,
		"mlps_level": 3,
		"persons_held": 5000,
		"security_officer": false,
		"blocked": false,
	},
	"dataset": {
		"id": "urn:uuid:01920000-0000-7000-8000-000000000001",
		"version": "sha256:abababababababababababababababababababababababababababababababab",
		"origin": [
			"CN",
		],
		"identifiability": "limited",
		"contains": [
			"health",
		],
		"persons": 4200,
		"under_14": false,
		"classification": {
			"scheme": "GB/T 39725-2020",
			"level": 3,
		},
		"source_level": 4,
		"deidentification_report": "doc-1",
		"core_data": false,
		"important_data": false,
		"hgr": null,
		"duo": [
			{
				"id": "DUO:0000006",
			},
		],
		"consent": null,
		"provenance_statement": "doc-77",
		"person_column": "subject_id",
		"columns": [
			{
				"name": "subject_id",
				"type": "string",
				"role": "direct_identifier",
			},
			{
				"name": "patient_name",
				"type": "string",
				"role": "direct_identifier",
			},
			{
				"name": "age",
				"type": "integer",
				"role": "quasi_identifier",
			},
			{
				"name": "visit",
				"type": "date",
				"role": "quasi_identifier",
			},
			{
				"name": "result",
				"type": "string",
				"role": "sensitive",
			},
			{
				"name": "site",
				"type": "string",
				"role": "plain",
			},
		],
	},
	"contract": {
		"id": "urn:uuid:01920000-0000-7000-8000-000000000002",
		"digest": "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
		"status": "active",
		"valid_from": 1795305600,
		"valid_to": 1795478400,
		"parties": [
			{
				"id": "did:web:hospital.example",
				"role": "provider",
			},
			{
				"id": "did:web:pharma.example",
				"role": "consumer",
			},
		],
		"dataset": "urn:uuid:01920000-0000-7000-8000-000000000001",
		"dataset_version": "sha256:abababababababababababababababababababababababababababababababab",
		"purposes": [
			"P02",
			"P05",
		],
		"actions": [
			"read",
			"aggregate",
		],
		"delivery_modes": [
			"M2",
			"M3",
			"M5",
		],
		"columns": [
			"subject_id",
			"age",
			"visit",
			"result",
			"site",
		],
		"processing_locations": [
			"CN-BJ",
		],
		"obligations": [],
		"prohibitions": [
			"reidentify",
			"distribute",
			"subprocess",
		],
		"clauses": [
			"cn_party_data_backup",
			"cn_party_full_participation",
			"ip_shared",
			"security_duties",
		],
		"price": "cost_recovery",
		"signatures": [
			{
				"party": "did:web:hospital.example",
				"alg": "Ed25519",
				"valid": true,
			},
			{
				"party": "did:web:pharma.example",
				"alg": "ES256",
				"valid": true,
			},
		],
		"digest_ok": true,
	},
	"approvals": {
		"ethics": [],
		"hgr": [],
		"export": [],
		"pia": [],
		"risk_assessment": [],
		"permit": [],
		"committee": [],
	},
	"exports": {
		"year": 2026,
		"before": {"sensitive": 0, "other": 0},
		"after": {"sensitive": 4200, "other": 4200},
	},
	"request": {
		"action": "read",
		"mode": "M5",
		"purpose": {
			"id": "P05",
			"research": true,
			"health": true,
			"commercial": true,
			"methods": false,
			"ancestry": false,
			"genetic": false,
			"clinical_care": false,
			"disease_terms": [],
			"flags": [],
		},
		"processing_location": "CN-BJ",
		"recipient_overseas": false,
		"columns": [
			"age",
			"result",
		],
		"group_by": [],
		"filter_columns": [],
		"filter_digest": null,
		"months": null,
		"accepts": {"publish": false, "return_derived": false},
		"collaboration_ref": null,
		"project": null,
		"research_types": [],
	},
}

# The valid document with one place set; null takes nothing away, it is a value.
changed(path, value) := json.patch(document, [{"op": "add", "path": path, "value": value}])

without(path) := json.patch(document, [{"op": "remove", "path": path}])

# Several places set, in a document that need not be the valid one.
with_all(base, places) := json.patch(base, [{"op": "add", "path": path, "value": value} | some path, value in places])

lacking(base, path) := json.patch(base, [{"op": "remove", "path": path}])

# An approval for this second, of what the valid document asks; for a test to put at /approvals/<kind>.
approval(more) := object.union(
	{
		"ref": "REF-1",
		"issuer": document.provider.id,
		"country": "CN",
		"valid_from": document.context.now,
		"valid_to": document.context.now + 1,
		"datasets": [document.dataset.id],
		"recipients": [document.participant.id],
		"purposes": ["P02", "P05", "P16"],
	},
	more,
)

# What a document's request says of itself.
use_of(asked) := {name: asked.request[name] |
	some name in ["purpose", "filter_digest", "months", "accepts", "collaboration_ref", "project", "research_types"]
}

# A committee's decision on these codes.
committee(codes_named) := approval({
	"rules": codes_named,
	"contract": document.contract.id,
	"actions": ["read"],
	"modes": ["M3", "M5"],
	"columns": ["age", "result"],
	"use": use_of(document),
	"obligations": [],
})

codes(verdict) := {found.code | some found in verdict}
