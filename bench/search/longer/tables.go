package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/bench/search/tabular"
	"github.com/spinemask/spinemask/internal/command/searchreport"
	"github.com/spinemask/spinemask/internal/command/trials"
)

// printTables writes what a search and the trainings behind it say, as docs/search.md has it.
func printTables(w io.Writer, folder, report string) error {
	h, list, err := read(folder)
	if err != nil {
		return err
	}
	times, err := readJSONLines[trials.Took](filepath.Join(folder, trials.TimesFile))
	if err != nil {
		return err
	}
	lines, err := readLines(report)
	if err != nil {
		return err
	}
	ranked := searchreport.Best(list)
	if len(ranked) == 0 || len(lines) == 0 {
		return fmt.Errorf("%s, %s: nothing measured yet", folder, report)
	}

	var aps, seconds []float64
	for _, t := range ranked {
		aps = append(aps, t.Score.AP)
	}
	for _, t := range times {
		seconds = append(seconds, t.Seconds)
	}
	fmt.Fprintf(w, "| architectures | AP of the proxy: best | median | last | standard deviation | seconds of a core each, median |\n|---|---|---|---|---|---|\n")
	fmt.Fprintf(w, "| %d | %.3f | %.3f | %.3f | %.3f | %.0f |\n\n", len(aps), aps[0], middle(aps), aps[len(aps)-1], deviation(aps), middle(seconds))

	const ten = 10
	fmt.Fprint(w, "| architectures |")
	for i := 0; i+ten <= len(list); i += ten {
		fmt.Fprintf(w, " %d to %d |", i+1, i+ten)
	}
	fmt.Fprintf(w, "\n|---|%s\n| mean AP of the proxy |", strings.Repeat("---|", len(list)/ten))
	var inOrder []float64
	for _, t := range list {
		inOrder = append(inOrder, t.Score.AP)
	}
	for i := 0; i+ten <= len(list); i += ten {
		fmt.Fprintf(w, " %.3f |", mean(inOrder[i:i+ten]))
	}
	fmt.Fprint(w, "\n\n")

	// The proxy's own noise: one network, other seeds.
	repeats := map[string][]float64{}
	for _, l := range lines {
		if l.Steps == h.Steps {
			repeats[l.Network] = append(repeats[l.Network], l.AP)
		}
	}
	fmt.Fprintf(w, "| network | seeds of the proxy | AP of each | mean | standard deviation |\n|---|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(repeats)) {
		fmt.Fprintf(w, "| %s | %d | %s | %.3f | %.3f |\n", title(name), len(repeats[name]), numbers(repeats[name]), mean(repeats[name]), deviation(repeats[name]))
	}

	// Longer trainings, in the order of the proxy's scores.
	type row struct {
		name  string
		macs  int64
		proxy float64
		long  map[uint64]float64 // AP by seed
	}
	var rows []row
	seeds := map[uint64]bool{}
	steps := 0 // of the longest
	for _, l := range lines {
		steps = max(steps, l.Steps)
	}
	add := func(name string, macs int64, score float64) {
		r := row{name, macs, score, map[uint64]float64{}}
		for _, l := range lines {
			if l.Network == name && l.Steps == steps {
				r.long[l.Seed], seeds[l.Seed] = l.AP, true
			}
		}
		if len(r.long) > 0 {
			rows = append(rows, r)
		}
	}
	for _, l := range lines {
		if l.Network == own && l.Steps == h.Steps && l.Seed == h.Seed {
			add(own, h.MACs, l.AP)
		}
	}
	for _, t := range ranked {
		add(nameOf(t), t.MACs, t.Score.AP)
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		switch {
		case a.proxy > b.proxy:
			return -1
		case a.proxy < b.proxy:
			return 1
		}
		return 0
	})
	columns := slices.Sorted(maps.Keys(seeds))
	fmt.Fprintf(w, "\n| network | multiply-adds, billions | AP of the proxy |")
	for _, s := range columns {
		fmt.Fprintf(w, " AP after %d steps, seed %d |", steps, s)
	}
	fmt.Fprintf(w, " mean |\n|---|---|---|%s---|\n", strings.Repeat("---|", len(columns)))
	var short, long []float64
	for _, r := range rows {
		fmt.Fprintf(w, "| %s | %.1f | %.3f |", title(r.name), float64(r.macs)/1e9, r.proxy)
		var all []float64
		for _, s := range columns {
			if ap, ok := r.long[s]; ok {
				fmt.Fprintf(w, " %.3f |", ap)
				all = append(all, ap)
			} else {
				fmt.Fprint(w, " |")
			}
		}
		if len(all) == len(columns) {
			fmt.Fprintf(w, " %.3f |\n", mean(all))
		} else {
			fmt.Fprint(w, " |\n")
		}
		if ap, ok := r.long[h.Seed]; ok {
			short, long = append(short, r.proxy), append(long, ap)
		}
	}
	fmt.Fprintf(w, "\nKendall's τ between the proxy and the longer training, both with seed %d, over these %d networks: %.2f (Spearman's correlation %.2f).\n", h.Seed, len(short), tabular.Kendall(short, long), tabular.Spearman(short, long))
	return nil
}

func title(name string) string {
	if name == own {
		return "SpineNet-49's own wiring"
	}
	return "number " + name
}

func numbers(v []float64) string {
	words := make([]string, len(v))
	for i, x := range v {
		words[i] = fmt.Sprintf("%.3f", x)
	}
	return strings.Join(words, ", ")
}

func mean(v []float64) (sum float64) {
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// deviation is the standard deviation of a sample.
func deviation(v []float64) float64 {
	m, sum := mean(v), 0.0
	for _, x := range v {
		sum += float64((x - m) * (x - m))
	}
	return math.Sqrt(sum / float64(len(v)-1))
}

func middle(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}
