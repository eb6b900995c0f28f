package engine

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// String prints the plan as a table for people, a step per line:
//
//	017  box/conv2  direct  37×7×7×256 > 256  3.6 GMAC  in @0  out @50.2M  +shift +relu
//
// Shapes are rows × height × width × channels, @ is the place in the arena in
// bytes. Totals stand at the end.
func (pl *Plan) String() string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	total := int64(0)
	for i := range pl.steps {
		s := &pl.steps[i]
		out := pl.layouts[s.out]
		macs, cost := pl.macs(s, pl.rows), ""
		total += macs
		if macs > 0 {
			cost = fmt.Sprintf("%.3f GMAC", float64(macs)/1e9)
		}
		var places []string
		for _, v := range s.in {
			places = append(places, "@"+bytes(4*int64(pl.layouts[v].offset)))
		}
		fmt.Fprintf(t, "%03d\t%s\t%s\t%s\t%s\tin %s\tout @%s\t%s\n", i, s.name, s.how(), pl.shapes(s, pl.rows), cost,
			strings.Join(places, " "), bytes(4*int64(out.offset)), strings.TrimSpace(s.epilogue()))
	}
	t.Flush()
	fmt.Fprintf(&b, "%d steps, %.3f GMAC, arena %s, kernels %s\n", len(pl.steps), float64(total)/1e9, bytes(pl.ArenaBytes()), pl.module.kernels.Name)
	return b.String()
}

// how names the way a step is computed.
func (s *step) how() string {
	if s.algorithm != "" {
		return string(s.algorithm)
	}
	return s.op.String()
}

func (pl *Plan) shapes(s *step, rows int) string {
	return fmt.Sprintf("%d×%v > %d", rows, pl.layouts[s.in[0]].shape, pl.layouts[s.out].shape.C)
}

func (pl *Plan) macs(s *step, rows int) int64 {
	return s.op.MACs(pl.layouts[s.in[0]].shape, pl.layouts[s.made()].shape) * int64(rows)
}

// bytes prints a number of bytes in the unit that fits.
func bytes(n int64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1fM", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1fk", float64(n)/1e3)
	}
	return fmt.Sprint(n)
}
