package unread_test

import (
	"slices"
	"testing"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/unread"
)

// lost returns the records whose copies are lost, and forgets the copies.
func lost(c *unread.Copies) (all []machine.Offset) {
	for {
		oldest, ok := c.Lost()
		if !ok {
			return all
		}
		all = append(all, oldest.Of)
		c.Forget()
	}
}

// Only a copy that was appended before the end was asked for, and that was not read, is lost.
func TestCopies(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(c *unread.Copies)
		want []machine.Offset
	}{
		{"nothing", func(*unread.Copies) {}, nil},
		{"not asked", func(c *unread.Copies) { c.Appended(1, []byte("a")) }, nil},
		{"no answer yet", func(c *unread.Copies) { c.Appended(1, []byte("a")); c.Measure() }, nil},
		{"answered", func(c *unread.Copies) { c.Appended(1, []byte("a")); c.Measure(); c.Measured() }, []machine.Offset{1}},
		{"appended meanwhile", func(c *unread.Copies) {
			c.Appended(1, []byte("a"))
			c.Measure()
			c.Appended(2, []byte("b"))
			c.Measured()
		}, []machine.Offset{1}},
		{"answered the second time", func(c *unread.Copies) {
			c.Appended(1, []byte("a"))
			c.Measure()
			c.Appended(2, []byte("b"))
			c.Measure()
			c.Measured()
		}, []machine.Offset{1, 2}},
		{"an answer without a question", func(c *unread.Copies) { c.Appended(1, []byte("a")); c.Measured() }, nil},
		{"read at once", func(c *unread.Copies) {
			c.Appended(1, []byte("a"))
			c.Read([]byte("a"))
			c.Measure()
			c.Measured()
		}, nil},
		{"read before the answer", func(c *unread.Copies) {
			c.Appended(1, []byte("a"))
			c.Measure()
			c.Read([]byte("a"))
			c.Measured()
		}, nil},
		{"read after the answer", func(c *unread.Copies) {
			c.Appended(1, []byte("a"))
			c.Appended(2, []byte("b"))
			c.Measure()
			c.Measured()
			c.Read([]byte("a"))
		}, []machine.Offset{2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &unread.Copies{}
			test.do(c)
			if got := lost(c); !slices.Equal(got, test.want) {
				t.Errorf("the copies of %v are lost, want %v", got, test.want)
			}
		})
	}
}
