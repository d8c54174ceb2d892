# METADATA
# description: Whether the rules on foreign parties and human genetic resources have anything to ask.
package lib.genetic

import data.lib.foreign

# Null is a provider's word that there is nothing of the kind; a fact that is missing is no word.
free(document) if {
	document.dataset.hgr == null
} else if {
	document.dataset.hgr.information == false
} else if {
	foreign.asker_at_home(document)
}
