package tabular

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spinemask/spinemask/config"
)

// Seeds are those that every network was trained with.
var Seeds = [2]uint64{1, 2}

// Line is how a network and its scores, one of each seed, stand in a file.
func Line(t *config.BlockTable, scores [len(Seeds)]float64) string {
	return fmt.Sprintf("%s\t%.6f\t%.6f\n", name(t), scores[0], scores[1])
}

// World are the scores of all networks of Space.
type World struct {
	Scores [][len(Seeds)]float64 // in the order of Networks
	index  map[string]int        // of a network by Key
}

// Open reads a world of a file of lines compressed with gzip. It wants every network once, in the order of Networks.
func Open(path string) (*World, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("tabular: %s: %w", path, err)
	}
	w, err := read(z)
	if err != nil {
		return nil, fmt.Errorf("tabular: %s: %w", path, err)
	}
	return w, nil
}

func read(r io.Reader) (*World, error) {
	w := &World{index: map[string]int{}}
	networks := Networks()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		i := len(w.Scores)
		fields := strings.Split(lines.Text(), "\t")
		if i == len(networks) || len(fields) != 1+len(Seeds) || fields[0] != name(networks[i]) {
			return nil, fmt.Errorf("line %d: %.80q is not that of network %d", i+1, lines.Text(), i+1)
		}
		var scores [len(Seeds)]float64
		for s, text := range fields[1:] {
			var err error
			if scores[s], err = strconv.ParseFloat(text, 64); err != nil {
				return nil, fmt.Errorf("line %d: score %.40q", i+1, text)
			}
		}
		w.index[Key(networks[i])] = i
		w.Scores = append(w.Scores, scores)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(w.Scores) < len(networks) {
		return nil, fmt.Errorf("%d lines, want one for each of %d networks", len(w.Scores), len(networks))
	}
	return w, nil
}

// Network is the number of the network that a table of Space is.
func (w *World) Network(t *config.BlockTable) int { return w.index[Key(t)] }
