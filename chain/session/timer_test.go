package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

func TestBackoffIsShortBesideTheOutage(t *testing.T) {
	for range 100 {
		b := Backoff{Min: 100 * time.Millisecond, Max: 5 * time.Second}
		var waited time.Duration
		for range 30 {
			pause := b.Pause()
			if pause < b.Min/2 {
				t.Fatalf("got %v, want at least %v", pause, b.Min/2)
			}
			if pause > min(b.Max, waited/2+b.Min) {
				t.Fatalf("got %v, want at most %v", pause, min(b.Max, waited/2+b.Min))
			}
			waited += pause
		}
		if waited <= 40*time.Second {
			t.Fatalf("pauses of a long outage are long: got %v, want more than 40s", waited)
		}
		b.Reset()
		if got := b.Pause(); got > b.Min {
			t.Fatalf("got %v, want at most %v", got, b.Min)
		}
	}
}

// A time-to-cut is posted until the topic has it: nothing else may ever cut the block.
func TestPosterPostsUntilTheTopicHasIt(t *testing.T) {
	posted, failed := 0, 0
	events := Events{CutPosted: func(machine.BlockNumber) { posted++ }, CutFailed: func(machine.BlockNumber, error) { failed++ }}
	p := Poster{Block: 7, Wait: Backoff{Min: time.Second, Max: time.Minute}, Events: events}
	err := errors.New("no leader")
	append := func(_ context.Context, value []byte) error {
		if in := record.InputOf(9, value).(machine.TimeToCut); in.Block != 7 {
			t.Errorf("a time-to-cut for block %d", in.Block)
		}
		return err
	}
	done, wait := p.Try(t.Context(), append)
	if done {
		t.Fatal("the topic has the record")
	}
	if wait <= 0 {
		t.Fatalf("got %v, want more than 0", wait)
	}
	if failed != 1 {
		t.Fatalf("got %v, want 1", failed)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done, _ = p.Try(ctx, append)
	if done {
		t.Fatal("the topic has the record")
	}
	if failed != 1 {
		t.Fatalf("a timer that was stopped has not failed: got %v, want 1", failed)
	}

	err = nil
	done, _ = p.Try(t.Context(), append)
	if !done {
		t.Fatal("the topic does not have the record")
	}
	if posted != 1 {
		t.Fatalf("got %v, want 1", posted)
	}
}
