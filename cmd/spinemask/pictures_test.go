package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStems(t *testing.T) {
	for name, want := range map[string]string{
		"a.png": "a", "deep/er/b.ome.tif": "deep/er/b.ome", "without": "without",
		"movie.tif#t3": "movie_t003", "deep/stack.ome.tif#page12": "deep/stack.ome_page012", "m.tif#t1000_c2": "m_t1000_c002", "stdin#t1": "stdin_t001",
		"a#1.png": "a#1", "c#.tif": "c#", "#t3": "#t3",
	} {
		require.Equal(t, want, stem(name), name)
	}
	names := []string{"movie.tif#t1", "movie.tif#t2", "movie_t001.png", "x.tif"}
	require.Equal(t, map[string]string{
		"movie.tif#t1": "movie.tif#t1", "movie.tif#t2": "movie_t002", "movie_t001.png": "movie_t001.png", "x.tif": "x",
	}, stems(names))
	require.Equal(t, map[string]string{"a.jpg": "a.jpg", "a.png": "a.png", "a.jpg.png": "a.jpg.png", "b.png.jpg": "b.png"},
		stems([]string{"a.jpg", "a.png", "a.jpg.png", "b.png.jpg"}))
}
