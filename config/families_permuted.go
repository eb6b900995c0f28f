package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// ScalePermuted is RetinaNet on a scale-permuted network of any architecture, else as [TF2RetinaNet] has it for "49", or [TF2Mobile] for "49" where the blocks
// are inverted ones. table is one of [BlockTables], or the text of a [BlockTable] in JSON.
func ScalePermuted(table string) (*Config, error) {
	b := Backbone{BlockTable: table}
	if b.Table() == nil {
		var err error
		if b.BlockTable = ""; len(table) == 0 || table[0] != '{' {
			return nil, fmt.Errorf("config: block table %.64q, want one of %q, or JSON", table, BlockTables())
		}
		if b.Blocks, err = parseBlockTable([]byte(table)); err != nil {
			return nil, err
		}
	}
	family, name := TF2RetinaNet, "scale-permuted network"
	if slices.ContainsFunc(b.Table().Blocks, func(blk Block) bool { return blk.Kind == BlockInverted }) {
		family = TF2Mobile
	}
	c, err := family("49")
	if err != nil {
		return nil, err
	}
	if b.BlockTable != "" {
		name = b.BlockTable
	}
	c.Name = "retinanet " + name
	c.Backbone.BlockTable, c.Backbone.Blocks = b.BlockTable, b.Blocks
	return c, c.Validate()
}

func parseBlockTable(data []byte) (*BlockTable, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	t := new(BlockTable)
	if err := dec.Decode(t); err != nil {
		return nil, fmt.Errorf("config: block table: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("config: block table: data after the end at offset %d", dec.InputOffset())
	}
	return t, nil
}
