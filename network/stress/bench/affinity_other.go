//go:build !linux

package bench

import "errors"

var errPin = errors.New("processes are pinned to cores on Linux only; leave out the pinned cases: --cases closed/1/embedded")

func pin(int, Cores) error { return errPin }

func pinSelf(Cores) (restore func() error, err error) { return nil, errPin }

// selfCPU is not measured here, nor is anything else that is read from /proc.
func selfCPU() float64 { return 0 }
