// Package admission holds manifests/gate to what Kubernetes itself makes of it: its expressions run in the API
// server's own code, which is a dependency that podproof does not need. Hence a module of its own.
package admission
