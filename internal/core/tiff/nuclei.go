package tiff

import (
	"strings"
	"unicode"
)

// nucleiRank tells how surely the name of a channel says that nuclei are in it: 0 for not at all, 1 for the surest. Names are those of stains (DAPI, Hoechst, DRAQ5,
// SYTOX, TO-PRO, propidium iodide ...), of nuclei themselves, and of proteins of theirs that carry fluorescence (H2B).
func nucleiRank(name string) int {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	joined := strings.Join(words, "")
	for _, stain := range []string{"dapi", "hoechst", "hoescht", "draq", "sytox", "bisbenzimid", "33342", "33258", "topro", "yopro", "propidium", "7aad", "dyecycle", "nucblue", "nucspot", "nucred", "nucgreen", "nuclight"} {
		if strings.Contains(joined, stain) {
			return 1
		}
	}
	rank := 0
	better := func(r int) {
		if rank == 0 || r < rank {
			rank = r
		}
	}
	for i, w := range words {
		negated := i > 0 && (words[i-1] == "non" || words[i-1] == "no" || words[i-1] == "peri")
		switch {
		case negated:
		case strings.HasPrefix(w, "nucle") && !strings.HasPrefix(w, "nucleol"), w == "nuc":
			better(2)
		case w == "dna", strings.HasPrefix(w, "h2b"), w == "histone", w == "nls", strings.HasPrefix(w, "syto") && len(w) > 4 && unicode.IsDigit(rune(w[4])):
			better(3)
		case w == "pi":
			better(4)
		}
	}
	return rank
}

// nucleiChannel is the first of the names that say nuclei most surely, or -1.
func nucleiChannel(names []string) int {
	best, rank := -1, 0
	for i, name := range names {
		if r := nucleiRank(name); r > 0 && (best < 0 || r < rank) {
			best, rank = i, r
		}
	}
	return best
}
