package bench

import (
	"fmt"
	"time"
)

// clock estimates how long a run will still take, from the steps so far.
type clock struct{ spent map[task]spent }

// task is what takes about as long in each round.
type task struct {
	name string // of the case
	side string
}

type spent struct {
	time  time.Duration
	steps int
}

func (c *clock) took(s Step, d time.Duration) {
	if c.spent == nil {
		c.spent = map[task]spent{}
	}
	for _, t := range []task{{s.Case.Name(), s.Side.Name}, {s.Case.Name(), ""}, {string(s.Case.Kind), ""}, {}} {
		was := c.spent[t]
		c.spent[t] = spent{was.time + d, was.steps + 1}
	}
}

// left returns how long steps will take, as text; empty if there is nothing to go by.
func (c *clock) left(steps []Step) string {
	var sum time.Duration
	for _, s := range steps {
		known := false
		for _, t := range []task{{s.Case.Name(), s.Side.Name}, {s.Case.Name(), ""}, {string(s.Case.Kind), ""}, {}} {
			if was := c.spent[t]; was.steps > 0 {
				sum += was.time / time.Duration(was.steps)
				known = true
				break
			}
		}
		if !known {
			return ""
		}
	}
	return fmt.Sprintf("  (about %v left)", sum.Round(time.Second))
}
