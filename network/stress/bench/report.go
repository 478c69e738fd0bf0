package bench

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ReportFile is the name of the report in a run's folder.
const ReportFile = "report.md"

// WriteReport writes the report of a run and its plots into a folder.
func (r Run) WriteReport(dir string) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	plots, err := r.plots(dir)
	if err != nil {
		return fmt.Errorf("draw the plots: %w", err)
	}
	f, err := os.Create(filepath.Join(dir, ReportFile))
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, r.markdown(plots))
	return errors.Join(err, f.Close())
}

// markdown returns the report; plots are the plots that were written.
func (r Run) markdown(plots []plotted) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmark of orderers, %s\n\n", r.Settings.Machine.Time.Format("2006-01-02"))
	r.introduce(&b)
	for _, p := range plots {
		fmt.Fprintf(&b, "![%s](%s.svg)\n\n[The same as PNG](%s.png)\n\n", p.title, p.file, p.file)
	}
	for _, c := range r.cases() {
		r.section(&b, c)
	}
	r.failures(&b)
	r.describe(&b)
	return b.String()
}

// introduce writes how to read the report, and what is missing from it.
func (r Run) introduce(b *strings.Builder) {
	b.WriteString("Each figure is the median of its rounds, with the smallest and the largest in brackets. A ratio is the median of the ratios\n" +
		"within each round: only ratios say something about other machines. All sides took turns in one run, with the same brokers,\n" +
		"generator, policies (one signature, unless a case says otherwise), block sizes and Go settings.\n\n")
	if r.End == nil {
		b.WriteString("**The run was not completed:** some cases have fewer rounds than others, or none.\n\n")
	}
	if r.Settings.Rounds < 5 {
		fmt.Fprintf(b, "**The run has %s:** with fewer than five, the figures show that the bench works, and little else.\n\n", number(r.Settings.Rounds, "round"))
	}
}

// cases returns the measured cases in their order.
func (r Run) cases() (all []Case) {
	for _, x := range r.Results {
		if !slices.Contains(all, x.Case) {
			all = append(all, x.Case)
		}
	}
	return all
}

// sides returns the names of the sides that were measured in a case, in the order of the settings.
func (r Run) sides(c Case) (names []string) {
	for _, s := range r.Settings.Sides {
		if slices.ContainsFunc(r.Results, func(x Result) bool { return x.Case == c && x.Side == s.Name }) {
			names = append(names, s.Name)
		}
	}
	return names
}

// values returns a side's values of a measure in a case, by round.
func (r Run) values(c Case, side, key string) byRound {
	all := byRound{}
	for _, x := range r.Results {
		if v, ok := x.Values[key]; ok && x.Case == c && x.Side == side && x.Failed == "" {
			all[x.Round] = v
		}
	}
	return all
}

func (r Run) section(b *strings.Builder, c Case) {
	sides := r.sides(c)
	fmt.Fprintf(b, "## %s\n\n%s\n\n", c.Name(), c.describe())
	table(b, append([]string{""}, sides...), r.figures(c, sides))
	pairs := r.pairs(sides)
	if rows := r.ratioRows(c, pairs); len(rows) > 0 {
		heads := []string{"ratio"}
		for _, p := range pairs {
			heads = append(heads, p[0]+" / "+p[1])
		}
		table(b, heads, rows)
	}
}

// figures returns a row for each measure that some side has in the case.
func (r Run) figures(c Case, sides []string) (rows [][]string) {
	rounds := []string{"rounds"}
	for _, side := range sides {
		rounds = append(rounds, r.rounds(c, side))
	}
	rows = append(rows, rounds)
	for _, m := range Measures {
		row, found := []string{m.heading()}, false
		for _, side := range sides {
			s := r.values(c, side, m.Key).spread()
			row = append(row, s.text(m.Unit))
			found = found || s.N > 0
		}
		if found {
			rows = append(rows, row)
		}
	}
	return rows
}

// rounds returns how many rounds of a side succeeded, as text.
func (r Run) rounds(c Case, side string) string {
	done, failed := 0, 0
	for _, x := range r.Results {
		switch {
		case x.Case != c || x.Side != side:
		case x.Failed != "":
			failed++
		default:
			done++
		}
	}
	if failed > 0 {
		return fmt.Sprintf("%d, **%d failed**", done, failed)
	}
	return fmt.Sprint(done)
}

// text returns a spread as a cell of a table.
func (s Spread) text(u unit) string {
	switch s.N {
	case 0:
		return "-"
	case 1:
		return u.text(s.Median)
	}
	return fmt.Sprintf("%s (%s to %s)", u.text(s.Median), u.text(s.Min), u.text(s.Max))
}

// pairs returns which sides are divided by which: each of our builds by every other side.
func (r Run) pairs(sides []string) (pairs [][2]string) {
	for _, a := range r.Settings.Sides {
		if a.Kind != Kafka || !slices.Contains(sides, a.Name) {
			continue
		}
		for _, other := range sides {
			if other != a.Name && !slices.Contains(pairs, [2]string{other, a.Name}) {
				pairs = append(pairs, [2]string{a.Name, other})
			}
		}
	}
	return pairs
}

func (r Run) ratioRows(c Case, pairs [][2]string) (rows [][]string) {
	for _, m := range Measures {
		row, found := []string{m.Title}, false
		for _, p := range pairs {
			s := ratios(r.values(c, p[0], m.Key), r.values(c, p[1], m.Key))
			row = append(row, s.text(ratio))
			found = found || s.N > 0
		}
		if found && m.Key != memoryGrowth { // which may be 0 or negative
			rows = append(rows, row)
		}
	}
	return rows
}

func (r Run) failures(b *strings.Builder) {
	var rows [][]string
	for _, x := range r.Results {
		at := []string{x.Case.Name(), x.Side, fmt.Sprint(x.Round)}
		if x.Failed != "" {
			rows = append(rows, append(at, "failed: "+oneLine(x.Failed)))
		}
		for _, n := range x.Notes {
			rows = append(rows, append(slices.Clone(at), oneLine(n)))
		}
	}
	if len(rows) > 0 {
		b.WriteString("## Failures and notes\n\n")
		table(b, []string{"case", "side", "round", ""}, rows)
	}
}

// oneLine makes a text fit into a cell.
func oneLine(s string) string {
	s = strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
	const most = 600
	if len(s) > most {
		s = s[:most] + " ..."
	}
	return s
}

func table(b *strings.Builder, heads []string, rows [][]string) {
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(heads, " | "), strings.Repeat("---|", len(heads)))
	for _, row := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
	b.WriteByte('\n')
}
