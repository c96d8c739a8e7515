package layer

import "podproof.dev/podproof/internal/collect/image/secrets"

// Version names what the readers of this package find. What is kept of a layer is kept under
// it: a reader that finds something else than before gets another number.
const Version = "table 3, packages 2, owned 1, go 1, scripts 5, manifests 1, uwsgi 1, accounts 1, venvs 1, archives 2, secrets " + secrets.Version
