package main

import (
	"fmt"
	"strings"

	"github.com/spinemask/spinemask/config"
)

// checkClasses wants each name to be a class of the model.
func checkClasses(names []string, c *config.Config) error {
	var known []string
	for _, k := range c.Categories {
		if k.Name != "" {
			known = append(known, k.Name)
		}
	}
	for _, name := range names {
		found := false
		for _, k := range known {
			found = found || strings.EqualFold(k, name)
		}
		if found {
			continue
		}
		err := fmt.Errorf("--class %q: the model does not know it", name)
		if near := nearest(name, known); near != "" {
			return hinted{err, "did you mean " + near + "?"}
		}
		return hinted{err, "it finds " + classNames(c)}
	}
	return nil
}

// nearest is the word of a list that was probably meant: within two edits, or a third of its letters, or one that begins the other; empty if there is none.
func nearest(word string, list []string) string {
	best, bestDistance := "", 3
	for _, w := range list {
		if d := edits(strings.ToLower(word), strings.ToLower(w)); d < bestDistance && 3*d <= max(len(w), 6) {
			best, bestDistance = w, d
		}
		a, b := strings.ToLower(w), strings.ToLower(word)
		if best == "" && min(len(a), len(b)) > 2 && (strings.HasPrefix(a, b) || strings.HasPrefix(b, a)) {
			best = w
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
