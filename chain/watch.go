package chain

import (
	"context"
	"time"
)

// beat is how often what changes by itself is told.
const beat = time.Second

// pulse tells once a beat that the chain is there, whatever its loop does.
func (c *Chain) pulse() {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.opts.Events.Beat()
		case <-c.life.Done():
			return
		}
	}
}

// measure asks now and then where the topic ends. It does so beside the loop: a
// loop that is stuck, or far behind, is what the answer is to show.
func (c *Chain) measure() {
	for pause := beat; sleep(c.life, pause); {
		pause = beat
		if c.ask() {
			pause = c.opts.CheckInterval
		}
	}
}

// ask returns false if there was no answer.
func (c *Chain) ask() bool {
	ctx, cancel := context.WithTimeout(c.life, requestTimeout)
	defer cancel()
	err := c.connection.use(func(o *openLog) error {
		bounds, err := o.Bounds(ctx)
		if err == nil {
			c.opts.Events.Measured(bounds.End)
		}
		return err
	})
	return err == nil
}
