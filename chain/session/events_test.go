package session_test

import (
	"reflect"
	"testing"

	"github.com/fabric-kafka/orderer/chain/session"
)

// A caller that reports an event need not check whether there is a handler.
func TestEveryEventHasADefault(t *testing.T) {
	called := false
	v := reflect.ValueOf(session.Events{Halted: func() { called = true }}.WithDefaults())
	for i := range v.NumField() {
		if v.Field(i).IsNil() {
			t.Errorf("%s is nil", v.Type().Field(i).Name)
			continue
		}
		var args []reflect.Value
		for in := range v.Field(i).Type().Ins() {
			args = append(args, reflect.Zero(in))
		}
		v.Field(i).Call(args)
	}
	if !called {
		t.Error("a field that was set has changed")
	}
}
