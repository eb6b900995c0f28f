package spinemask_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask"
)

// childModel and childThreads, in the environment, make the test below the
// process that is measured: they name a model's file and a number of threads.
const (
	childModel   = "SPINEMASK_TEST_MODEL"
	childThreads = "SPINEMASK_TEST_THREADS"
)

// A process that runs a model takes no more memory than MemoryLimit was told, and
// not much less.
func TestMemoryLimitIsHonest(t *testing.T) {
	if path := os.Getenv(childModel); path != "" {
		threads, err := strconv.Atoi(os.Getenv(childThreads))
		require.NoError(t, err)
		fmt.Println("resident", residentAfter(t, path, threads))
		return
	}
	path := formulaFile(t, "49S")
	for _, threads := range []int{2, 8} {
		t.Run(fmt.Sprint(threads, " threads"), func(t *testing.T) { requireHonest(t, path, threads) })
	}
}

func requireHonest(t *testing.T, path string, threads int) {
	_, err := spinemask.Open(path, &spinemask.Options{MemoryLimit: 1, Threads: threads})
	require.ErrorContains(t, err, "MB of memory needed")
	text := err.Error()[:strings.Index(err.Error(), " MB of memory needed")]
	need, err := strconv.Atoi(text[strings.LastIndexByte(text, ' ')+1:])
	require.NoError(t, err)

	child := exec.Command(os.Args[0], "-test.run", "^TestMemoryLimitIsHonest$")
	child.Env = append(os.Environ(), childModel+"="+path, childThreads+"="+strconv.Itoa(threads))
	out, err := child.CombinedOutput()
	require.NoError(t, err, "%s", out)
	var resident int
	_, err = fmt.Sscanf(string(out), "resident %d", &resident)
	require.NoError(t, err, "%s", out)
	t.Logf("%d MB resident, %d MB needed", resident, need)
	require.LessOrEqual(t, resident, need)
	require.LessOrEqual(t, float64(need), 1.3*float64(resident))
}

// residentAfter is the memory, in MB, of a process that has segmented a picture.
func residentAfter(t *testing.T, path string, threads int) int {
	m, err := spinemask.Open(path, &spinemask.Options{Threads: threads})
	require.NoError(t, err)
	defer m.Close()
	for range 2 {
		_, err = m.Segment(context.Background(), waves(0, 640, 480))
		require.NoError(t, err)
	}
	debug.FreeOSMemory()
	statm, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	require.NoError(t, err)
	return pages * os.Getpagesize() / 1e6
}
