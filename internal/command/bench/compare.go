package bench

import (
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
)

// Compare prints the stages of two reports side by side, with the second's
// times divided by the first's, and says where a difference may be noise.
func Compare(a, b *Report) string {
	var out strings.Builder
	for _, d := range differences(a, b) {
		fmt.Fprintln(&out, d)
	}
	t := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\tmedian ms\t\tratio\tbest ms\t\tratio\t\t\n")
	for _, x := range append(a.Stages, a.Total) {
		y := b.stage(x.Name)
		if y == nil {
			continue
		}
		hint := ""
		if noisy(x.Timing, y.Timing) {
			hint = "noise?"
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.3f\t%.2f\t%.2f\t%.3f\t%s\t\n", x.Name, 1e3*x.Median, 1e3*y.Median, y.Median/x.Median, 1e3*x.Best, 1e3*y.Best, y.Best/x.Best, hint)
	}
	t.Flush()
	out.WriteString("\nnoise?: less apart than the runs of one report are from each other. Only ratios that\nhold in reports made in turn, several times, say anything.\n")
	return out.String()
}

func (r *Report) stage(name string) *Stage {
	for i := range r.Stages {
		if r.Stages[i].Name == name {
			return &r.Stages[i]
		}
	}
	if name == r.Total.Name {
		return &r.Total
	}
	return nil
}

// noisy says whether medians differ by less than the spread of the runs, or
// medians and best times disagree on who is faster.
func noisy(a, b Timing) bool {
	return math.Abs(a.Median-b.Median) <= max(a.Spread, b.Spread) || (a.Median < b.Median) != (a.Best < b.Best)
}

// differences lists what makes two reports incomparable.
func differences(a, b *Report) []string {
	var list []string
	different := func(what string, x, y any) {
		if x != y {
			list = append(list, fmt.Sprintf("different %s: %v and %v", what, x, y))
		}
	}
	different("model", a.Model, b.Model)
	different("input", fmt.Sprintf("%d×%d", a.Height, a.Width), fmt.Sprintf("%d×%d", b.Height, b.Width))
	different("threads", a.Threads, b.Threads)
	different("processor", a.CPU, b.CPU)
	different("kernels", a.Kernels, b.Kernels)
	if drift := b.PeakGFLOPS / a.PeakGFLOPS; drift < 0.95 || drift > 1/0.95 {
		list = append(list, fmt.Sprintf("different peak: %.0f and %.0f GF/s: the machine was not equally fast or not equally idle", a.PeakGFLOPS, b.PeakGFLOPS))
	}
	return list
}
