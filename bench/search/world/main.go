// Command world trains every network of a small scale-permuted space with two seeds, and writes their scores, a line for each network:
//
//	go run ./bench/search/world -to world.tsv
//
// It may be stopped at any moment: run again, it goes on behind the last whole line, and the file ends with the same bytes. That file,
// compressed by gzip -9n, is bench/search/tabular/testdata/world.tsv.gz.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spinemask/spinemask/bench/search/tabular"
)

func main() {
	to := flag.String("to", "", "`file` of scores")
	flag.Parse()
	if err := run(*to); err != nil {
		fmt.Fprintln(os.Stderr, "world:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	if path == "" {
		return errors.New("-to FILE is missing")
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	networks := tabular.Networks()
	done, err := whole(f)
	if err != nil {
		return err
	}
	if done > len(networks) {
		return fmt.Errorf("%s: %d lines, the space has %d networks", path, done, len(networks))
	}
	var trainers []*tabular.Trainer
	for _, seed := range tabular.Seeds {
		trainers = append(trainers, tabular.NewTrainer(seed))
	}
	start := time.Now()
	for i, table := range networks[done:] {
		var scores [len(tabular.Seeds)]float64
		for s, t := range trainers {
			if scores[s], err = t.Score(table); err != nil {
				return err
			}
		}
		if _, err := f.WriteString(tabular.Line(table, scores)); err != nil {
			return err
		}
		if n := done + i + 1; n%100 == 0 || n == len(networks) {
			fmt.Printf("%d of %d networks, %.0f s\n", n, len(networks), time.Since(start).Seconds())
		}
	}
	return f.Close()
}

// whole cuts off a line that was not finished and counts the others.
func whole(f *os.File) (lines int, err error) {
	data, err := os.ReadFile(f.Name())
	if err != nil {
		return 0, err
	}
	end := int64(bytes.LastIndexByte(data, '\n') + 1)
	if err := f.Truncate(end); err != nil {
		return 0, err
	}
	_, err = f.Seek(end, 0)
	return strings.Count(string(data), "\n"), err
}
