package bench

import (
	"slices"
)

// Spread is what several rounds gave for one measure.
type Spread struct {
	Median, Min, Max float64
	N                int // rounds
}

// SpreadOf returns the spread of values; without values, N is 0.
func SpreadOf(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	return Spread{Median: (s[(n-1)/2] + s[n/2]) / 2, Min: s[0], Max: s[n-1], N: n}
}

// byRound are the values of a measure by their round.
type byRound map[int]float64

func (b byRound) spread() Spread {
	var values []float64
	for _, v := range b {
		values = append(values, v)
	}
	return SpreadOf(values)
}

// ratios returns the spread of a / b, taken within each round that has both: a machine that changes its speed between
// rounds changes both.
func ratios(a, b byRound) Spread {
	var values []float64
	for round, v := range a {
		if other, both := b[round]; both && other != 0 {
			values = append(values, v/other)
		}
	}
	return SpreadOf(values)
}
