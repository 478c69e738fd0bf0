// Package machine decides what is in a block. It maps records in log order to
// effects; it has no clock, no I/O, no goroutine, no logger and no validator.
//
// (contract draft: see types.go)
package machine
