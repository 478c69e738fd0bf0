package session

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
