package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

func TestBackoffIsShortBesideTheOutage(t *testing.T) {
	for range 100 {
		b := Backoff{Least: 100 * time.Millisecond, Most: 5 * time.Second}
		var waited time.Duration
		for range 30 {
			pause := b.Pause()
			require.GreaterOrEqual(t, pause, b.Least/2)
			require.LessOrEqual(t, pause, min(b.Most, waited/2+b.Least))
			waited += pause
		}
		require.Greater(t, waited, 40*time.Second, "pauses of a long outage are long")
		b.Reset()
		require.LessOrEqual(t, b.Pause(), b.Least)
	}
}

// A time-to-cut is posted until the topic has it: nothing else may ever cut the block.
func TestPosterPostsUntilTheTopicHasIt(t *testing.T) {
	posted, failed := 0, 0
	events := Events{CutPosted: func(machine.BlockNumber) { posted++ }, CutFailed: func(machine.BlockNumber, error) { failed++ }}
	p := Poster{Block: 7, Wait: Backoff{Least: time.Second, Most: time.Minute}, Events: events}
	err := errors.New("no leader")
	append := func(_ context.Context, value []byte) error {
		if in := record.InputOf(9, value).(machine.TimeToCut); in.Block != 7 {
			t.Errorf("a time-to-cut for block %d", in.Block)
		}
		return err
	}
	done, wait := p.Try(t.Context(), append)
	require.False(t, done)
	require.Positive(t, wait)
	require.Equal(t, 1, failed)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	done, _ = p.Try(ctx, append)
	require.False(t, done)
	require.Equal(t, 1, failed, "a timer that was stopped has not failed")

	err = nil
	done, _ = p.Try(t.Context(), append)
	require.True(t, done)
	require.Equal(t, 1, posted)
}
