import type { Metrics } from './metrics.ts'
import type { Cell, Counter, Distribution, Histogram } from './series.ts'

/** What of a route becomes a label: the pattern, never the path that was asked for. */
interface CountedRoute {
  readonly method: string
  readonly path: string
}

interface RouteSeries {
  readonly duration: Distribution
  readonly byStatus: Map<number, Cell>
}

/** Paths that no route matches are a stranger's words: all of them are one series. */
const unmatched: CountedRoute = { method: 'none', path: 'none' }
/** OPTIONS is answered alike for all paths, by a route that is made for the occasion. */
const options: CountedRoute = { method: 'OPTIONS', path: 'any' }

/**
 * Rate, errors and duration of each route. The series of a route are found by the route itself: counting a request is two look-ups in a
 * map and four additions.
 */
export class RequestMetrics {
  readonly #total: Counter<'method' | 'route' | 'status'>
  readonly #duration: Histogram<'method' | 'route'>
  readonly #limited: Counter<'limit'>
  readonly #routes = new Map<CountedRoute, RouteSeries>()

  constructor(metrics: Metrics) {
    this.#total = metrics.counter({
      name: 'plinth_http_requests_total',
      help: 'Requests that were answered, by the pattern of their route and the status.',
      labels: ['method', 'route', 'status'],
    })
    this.#duration = metrics.histogram({
      name: 'plinth_http_request_duration_seconds',
      help: 'Time from the head of a request to the head of its answer.',
      labels: ['method', 'route'],
    })
    this.#limited = metrics.counter({
      name: 'plinth_rate_limit_refusals_total',
      help: 'Requests that a rate limit refused, by the name of the limit.',
      labels: ['limit'],
    })
  }

  /** A request was refused by the limit of this name. */
  limited(limit: string): void {
    this.#limited.add({ limit })
  }

  /** @param route undefined where none matched, or where it is the host's own */
  answered(route: CountedRoute | undefined, status: number, seconds: number): void {
    const counted = route === undefined ? unmatched : route.path === '' ? options : route
    const series = this.#routes.get(counted) ?? this.#seriesOf(counted)
    series.duration.observe(seconds)
    const cell = series.byStatus.get(status)
    if (cell) cell.value += 1
    else this.#cellOf(counted, series, status).value += 1
  }

  #seriesOf(route: CountedRoute): RouteSeries {
    const { method, path } = route
    const duration = this.#duration.series.of({ method, route: path })
    const made = { duration, byStatus: new Map<number, Cell>() }
    this.#routes.set(route, made)
    return made
  }

  #cellOf({ method, path }: CountedRoute, series: RouteSeries, status: number): Cell {
    const cell = this.#total.series.of({ method, route: path, status: String(status) })
    series.byStatus.set(status, cell)
    return cell
  }
}
