package bench

import (
	"cmp"
	"errors"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// plotted is a plot that was written as FILE.svg and FILE.png.
type plotted struct{ file, title string }

// drawing is one plot of a report: a measure of some kinds of cases.
type drawing struct {
	file, title, measure string
	kinds                []Kind
	x                    func(Case) int // for a line; nil for bars, one group for each case
	xTitle               string
}

var drawings = []drawing{
	{file: "committed", title: "Committed in a closed loop, tx/s", measure: committed, kinds: []Kind{Closed, Delay}},
	{file: "policies", title: "Committed in a closed loop with default policies, tx/s", measure: committed, kinds: []Kind{Policies}, x: func(c Case) int { return c.Orgs }, xTitle: "peer organizations"},
	{file: "cpu", title: "CPU of orderers in a closed loop, us a tx", measure: cpuOrderers, kinds: []Kind{Closed}},
	{file: "latency", title: "From due to committed at a fixed rate, p50, ms", measure: commitP50, kinds: []Kind{Rate}},
	{file: "acknowledged", title: "From due to acknowledged at a fixed rate, p50, ms", measure: ackP50, kinds: []Kind{Rate}},
	{file: "overload", title: "Committed p99 at 120 % of the capacity, ms", measure: commitP99, kinds: []Kind{Overload}},
	{file: "replayed", title: "Replayed, tx/s", measure: replayed, kinds: []Kind{Replay}},
	{file: "startup", title: "From start to acknowledgement, s", measure: startUp, kinds: []Kind{StartUp}, x: func(c Case) int { return c.Records }, xTitle: "records in the topic"},
	{file: "idle", title: "CPU of an idle orderer, percent of a core", measure: idleCPU, kinds: []Kind{Idle}, x: func(c Case) int { return c.Channels }, xTitle: "channels"},
}

// plots draws what the run has results for.
func (r Run) plots(dir string) (done []plotted, err error) {
	for _, d := range drawings {
		p, err := r.draw(d)
		if err != nil {
			return nil, err
		}
		if p == nil {
			continue
		}
		for _, kind := range []string{".svg", ".png"} {
			if err := p.Save(plotWidth, plotHeight, filepath.Join(dir, d.file+kind)); err != nil {
				return nil, err
			}
		}
		done = append(done, plotted{d.file, d.title})
	}
	return done, nil
}

// Sizes of a plot; bars of a group together take part of its width.
const (
	plotWidth  = 26 * vg.Centimeter
	plotHeight = 10 * vg.Centimeter
	groupPart  = 0.8
)

// draw returns a plot, or nil without results for it.
func (r Run) draw(d drawing) (*plot.Plot, error) {
	var cases []Case
	for _, c := range r.cases() {
		if slices.Contains(d.kinds, c.Kind) {
			cases = append(cases, c)
		}
	}
	var sides []string
	for _, s := range r.Settings.Sides {
		has := func(c Case) bool { return len(r.values(c, s.Name, d.measure)) > 0 }
		if slices.ContainsFunc(cases, has) && !isYardstick(s, d) {
			sides = append(sides, s.Name)
		}
	}
	if len(sides) == 0 {
		return nil, nil
	}
	p := plot.New()
	p.Title.Text = d.title
	p.Y.Min = 0
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	if d.x != nil {
		return p, r.lines(p, d, cases, sides)
	}
	return p, r.bars(p, d, cases, sides)
}

// isYardstick reports whether a side would make a plot unreadable: raw sarama is many times faster than any orderer.
func isYardstick(s Side, d drawing) bool {
	return s.Kind == Raw && (d.measure == committed || d.measure == replayed || d.measure == cpuOrderers)
}

// bars draws a group of bars for each case, one for each side.
func (r Run) bars(p *plot.Plot, d drawing, cases []Case, sides []string) error {
	var names []string
	for _, c := range cases {
		names = append(names, c.Name())
	}
	width := plotWidth * groupPart * 0.9 / vg.Length(len(cases)*len(sides))
	var most float64
	for i, side := range sides {
		at := (float64(i) - float64(len(sides)-1)/2) * groupPart / float64(len(sides))
		medians, spreads := plotter.Values{}, ranges{}
		for n, c := range cases {
			s := r.values(c, side, d.measure).spread()
			medians = append(medians, s.Median)
			if s.N > 0 {
				spreads.add(float64(n)+at, s)
			}
			most = max(most, s.Max)
		}
		bars, err := plotter.NewBarChart(medians, width)
		if err != nil {
			return err
		}
		whiskers, err := plotter.NewYErrorBars(&spreads)
		if err != nil {
			return err
		}
		bars.XMin, bars.Color, bars.LineStyle.Width = at, plotutil.SoftColors[i%len(plotutil.SoftColors)], 0
		p.Add(bars, whiskers)
		p.Legend.Add(side, bars)
	}
	p.NominalX(names...)
	p.X.Min, p.X.Max = -0.5, float64(len(cases))-0.5
	p.Y.Min, p.Y.Max = 0, most*1.3 // room for the legend
	if len(cases) > 5 {
		p.X.Tick.Label.Rotation = 0.4
		p.X.Tick.Label.XAlign = -1
	}
	return nil
}

// lines draws a line for each side.
func (r Run) lines(p *plot.Plot, d drawing, cases []Case, sides []string) error {
	p.X.Label.Text = d.xTitle
	slices.SortStableFunc(cases, func(a, b Case) int { return cmp.Compare(d.x(a), d.x(b)) })
	var faults []error
	var most float64
	for i, side := range sides {
		for _, apache := range []bool{false, true} {
			spreads := ranges{}
			for _, c := range cases {
				if s := r.values(c, side, d.measure).spread(); s.N > 0 && c.Apache == apache {
					spreads.add(float64(d.x(c)), s)
					most = max(most, s.Max)
				}
			}
			if spreads.Len() > 0 {
				faults = append(faults, spreads.draw(p, i, side+", "+Case{Apache: apache}.Brokers()))
			}
		}
	}
	p.X.Min, p.X.Max = 0, p.X.Max*1.05
	p.Y.Min, p.Y.Max = 0, most*1.3 // room for the legend
	return errors.Join(faults...)
}

// ranges are medians with their spread, for whiskers.
type ranges struct {
	plotter.XYs
	plotter.YErrors
}

func (r *ranges) add(x float64, s Spread) {
	r.XYs = append(r.XYs, plotter.XY{X: x, Y: s.Median})
	r.YErrors = append(r.YErrors, struct{ Low, High float64 }{s.Median - s.Min, s.Max - s.Median})
}

// draw draws the medians as a line, with whiskers.
func (r *ranges) draw(p *plot.Plot, i int, name string) error {
	line, points, err := plotter.NewLinePoints(r.XYs)
	if err != nil {
		return err
	}
	whiskers, err := plotter.NewYErrorBars(r)
	if err != nil {
		return err
	}
	line.Color = plotutil.SoftColors[i%len(plotutil.SoftColors)]
	points.Color = line.Color
	p.Add(line, points, whiskers)
	p.Legend.Add(name, line, points)
	return nil
}
