/** Does something and says on stderr how long it took. */
export async function step<T>(name: string, act: () => Promise<T>): Promise<T> {
  const began = performance.now();
  process.stderr.write(`cluster: ${name} …\n`);
  const done = await act();
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stderr.write(`cluster: ${name}: ${seconds} s\n`);
  return done;
}
