// Package verifiers holds podproof's statements to what other people's verifiers make of them: cosign's library, which
// Kyverno's ImageValidatingPolicy calls, too. podproof needs none of its dependencies. Hence a module of its own.
package verifiers
