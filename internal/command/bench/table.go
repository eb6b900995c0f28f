package bench

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// String prints the report as a table for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, input %d×%d, ", r.Model, r.Height, r.Width)
	switch {
	case r.Proposals > 0:
		fmt.Fprintf(&b, "%d proposals, %d masks; photo of %d×%d pixels to run-length masks\n", r.Proposals, r.Detections, photoHeight, photoWidth)
	default:
		fmt.Fprintf(&b, "%d detections; photo of %d×%d pixels\n", r.Detections, photoHeight, photoWidth)
	}
	fmt.Fprintf(&b, "%s, kernels %s, %d threads, peak %.0f GF/s\n\n", r.CPU, r.Kernels, r.Threads, r.PeakGFLOPS)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\tmedian ms\tbest ms\tspread\tGMAC\tGMAC/s\tof peak\t\n")
	for _, s := range append(r.Stages, r.Total) {
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.0f%%\t", s.Name, 1e3*s.Median, 1e3*s.Best, 100*s.Spread/s.Median)
		if s.GMAC > 0 {
			fmt.Fprintf(t, "%.2f\t%.0f\t%.0f%%\t\n", s.GMAC, s.GFLOPS()/2, 100*s.GFLOPS()/r.PeakGFLOPS)
		} else {
			fmt.Fprint(t, "\t\t\t\n")
		}
	}
	t.Flush()
	fmt.Fprintf(&b, "\n%d runs; spread is between the quartiles; speeds are of the fastest run\n", r.Runs)
	fmt.Fprintf(&b, "weights %.0f MB, for Winograd %.0f MB more", r.WeightMB, r.WinogradMB)
	if r.RSSMB > 0 {
		fmt.Fprintf(&b, ", most memory of the process %.0f MB", r.RSSMB)
	}
	b.WriteString("\n")
	return b.String()
}

// String prints a layer per line.
func (r *LayerReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d threads, peak %.0f GF/s\n", r.Threads, r.PeakGFLOPS)
	for _, p := range r.Parts {
		fmt.Fprintf(&b, "\n%s: rows in a run %d, runs for a photo %d\n", p.Name, p.Rows, p.Runs)
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprint(t, "layer\talgorithm\tshape\tms\tGF/s\tof peak\n")
		total := 0.0
		for _, l := range p.Layers {
			s := l.Time.Seconds()
			total += s
			fmt.Fprintf(t, "%s\t%s\t%s\t%.3f\t", l.Name, l.Algorithm, l.Shape, 1e3*s)
			if l.MACs > 0 {
				speed := 2 * float64(l.MACs) / s / 1e9
				fmt.Fprintf(t, "%.0f\t%.0f%%", speed, 100*speed/r.PeakGFLOPS)
			}
			fmt.Fprintln(t)
		}
		fmt.Fprintf(t, "all\t\t\t%.3f\n", 1e3*total)
		t.Flush()
	}
	return b.String()
}
