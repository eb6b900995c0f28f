package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/command/atomicfile"
	"github.com/spinemask/spinemask/internal/command/bench"
	"github.com/spinemask/spinemask/internal/command/netdraw"
)

const blockTableHelp = "in place of a model, a RetinaNet without training on a scale-permuted network: `name or file` of a block table, such as r0_sp53"

// besideTable is a hint for flags that go with files.
const besideTable = "--block-table is in place of one"

// permuted is the config of a RetinaNet on a block table that --block-table names, or whose file it names.
func permuted(table string) (*config.Config, error) {
	if slices.Contains(config.BlockTables(), table) {
		return config.ScalePermuted(table)
	}
	const most = 1 << 20 // bytes
	info, err := os.Stat(table)
	if err != nil {
		return nil, hinted{fmt.Errorf("--block-table: %w", reason(table, err)), "names are " + strings.Join(config.BlockTables(), ", ") + "; or give a JSON file"}
	}
	if info.Size() > most {
		return nil, fmt.Errorf("--block-table: %s: %d bytes: no block table", table, info.Size())
	}
	text, err := os.ReadFile(table)
	if err != nil {
		return nil, fmt.Errorf("--block-table: %w", reason(table, err))
	}
	c, err := config.ScalePermuted(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("--block-table: %s: %w", table, err)
	}
	return c, nil
}

// writeNetwork says what a network without weights is: a picture, its config, how it is computed, or what it costs.
func writeNetwork(w io.Writer, c *config.Config, draw, plan string, asConfig bool) error {
	if draw != "" {
		return drawNetwork(draw, c)
	}
	if plan != "" {
		n, err := bench.Untrained(c)
		if err != nil {
			return err
		}
		m, err := spinemask.New(n.Config, n.Weights, nil)
		if err != nil {
			return err
		}
		defer m.Close()
		return writePlan(w, m, plan)
	}
	if asConfig {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(c)
	}
	return writeStages(w, c)
}

// drawNetwork draws the backbone of a config, if it has a block table.
func drawNetwork(path string, c *config.Config) error {
	b := &c.Backbone
	if b.Type != config.BackboneSpineNet && b.Type != config.BackboneSpineNetMobile {
		return fmt.Errorf("--draw: %s is on %s, want a scale-permuted network", c.Name, b.Type)
	}
	file, err := atomicfile.Create(path)
	if err != nil {
		return err
	}
	defer file.Discard()
	if err := netdraw.Draw(file, b.Table(), c.Name); err != nil {
		return err
	}
	return file.Commit()
}
