# The record of every access is kept.
package access.obligations

owed["keep_record"] := {{"kind": "keep_record", "years": data.access.obligations.keep_record.table.years}}
