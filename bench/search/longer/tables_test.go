package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/search"
)

// What docs/search.md says of a search on nuclei is what its files say.
func TestTables(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/search.md")
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, printTables(&b, "testdata", "testdata/longer.jsonl"))
	parts := strings.Split(strings.TrimSpace(b.String()), "\n\n")
	require.Len(t, parts, 5)
	for _, part := range parts {
		require.Contains(t, string(doc), part)
	}
}

// The trials are of the space that was searched, and no two are the same.
func TestTrials(t *testing.T) {
	_, list, err := read("testdata")
	require.NoError(t, err)
	space := search.NamedSpace("spinenet49")
	seen := map[string]bool{}
	for i, trial := range list {
		require.Equal(t, i, trial.Index)
		require.NotNil(t, trial.Score)
		table, err := space.Table(trial.Choices)
		require.NoError(t, err)
		require.Equal(t, table, trial.Table)
		key, err := json.Marshal(table)
		require.NoError(t, err)
		require.False(t, seen[string(key)], "number %d", i+1)
		seen[string(key)] = true
	}
	require.GreaterOrEqual(t, len(list), 60)
}

// Of the two with the best score, which are one network, the first is taken, then the best other one.
func TestBestAreTwoNetworks(t *testing.T) {
	_, list, err := read("testdata")
	require.NoError(t, err)
	names, err := choose("best,spinenet49", list)
	require.NoError(t, err)
	require.Equal(t, []string{"43", "59", "spinenet49"}, names)
}
