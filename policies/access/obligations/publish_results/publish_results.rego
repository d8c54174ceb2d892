# The results are published, where the dataset asks for it.
package access.obligations

import data.lib.duo

owed["publish_results"] := {{"kind": "publish_results"} | data.access.obligations.publish_results.table.term in duo.codes}
