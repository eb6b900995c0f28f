package filelock

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALockLastsUntilItsFileIsClosed(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
		require.NoError(t, err)
		return f
	}
	a, b := open(), open()
	defer b.Close()
	require.NoError(t, Try(a))
	require.ErrorIs(t, Try(b), ErrHeld)
	require.NoError(t, a.Close())
	require.NoError(t, Try(b))
}
