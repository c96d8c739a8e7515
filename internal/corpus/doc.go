// Package corpus holds tests alone. They build small images in memory, each with one fault or
// one look-alike of a fault planted in it, read them with the real collector and judge them
// with the real checks of the group image/: none may be missed, none may be a false alarm.
//
//	go test -v -run TestCorpus ./internal/corpus
//
// prints the table. It is a package of its own, since neither the collector nor the checks may
// know the other.
package corpus
