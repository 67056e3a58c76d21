import { createServer, type AddressInfo } from 'node:net'
import { composeMail, MailError, type Mail } from '@plinth/core'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { decodeWords, mailServer, parseMail, partsOf, type MailServer } from '../tests/mail-server.ts'
import { selfSigned } from '../tests/self-signed.ts'
import { smtp, type SmtpMailer, type SmtpOptions } from './smtp.ts'

/* Against a real SMTP server on this machine. */

const { key, cert } = selfSigned()
const password = 'p@ss:w/rd %✓'
const from = 'Acme Ünlimited <no-reply@acme.example>'
const url = 'https://app.example.com/reset?token=abc&next=%2F'
const mail: Mail = {
  to: 'ada@example.com',
  toName: 'Ada Łovelace, Countess',
  subject: 'Neues Passwort für „Lookout“ 🔑',
  ...composeMail({
    productName: 'Lookout',
    heading: 'Neues Passwort',
    paragraphs: ['Grüße.'],
    action: { label: 'Los', url },
  }),
}

const opened: { close: () => Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

async function serve(options: Parameters<typeof mailServer>[0] = {}): Promise<MailServer> {
  const server = await mailServer(options)
  opened.push(server)
  return server
}

function mailerTo(address: string, options: Partial<SmtpOptions> = {}): SmtpMailer {
  const mailer = smtp({ url: address, from, env: {}, ...options })
  expect(mailer.faults).toBeUndefined()
  opened.push(mailer)
  return mailer
}

const troubleOf = async (work: Promise<void>): Promise<MailError> => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!MailError.is(error)) throw new Error(`No MailError: ${String(error)}`)
  return error
}

/** Asks for a login and takes one only. */
const withLogin: Parameters<typeof mailServer>[0] = {
  authOptional: false,
  onAuth(auth, _session, callback) {
    if (auth.username === 'mailer' && auth.password === password) callback(null, { user: auth.username })
    else callback(new Error(`Invalid username or password ${auth.password ?? ''}`))
  },
}
const login = `mailer:${encodeURIComponent(password)}`

describe('a mail', () => {
  test('arrives with both bodies, names and subject in any letters, and the link whole', async () => {
    const server = await serve()
    await mailerTo(`smtp://127.0.0.1:${server.port}`).send(mail)
    expect(server.mails).toMatchObject([{ from: 'no-reply@acme.example', to: ['ada@example.com'], secure: false }])
    const received = parseMail(server.mails[0]!.raw)
    expect(decodeWords(received.header('subject') ?? '')).toBe(mail.subject)
    expect(decodeWords(received.header('from') ?? '')).toBe(from)
    expect(decodeWords(received.header('to') ?? '')).toMatch(/^"?Ada Łovelace, Countess"? <ada@example\.com>$/)
    expect(received.header('auto-submitted')).toBe('auto-generated')
    expect(received.header('content-type')).toMatch(/^multipart\/alternative;/)
    expect(received.header('x-mailer')).toBeUndefined()
    const [plain, html, ...others] = partsOf(received)
    expect(others).toEqual([])
    expect(plain!.type).toMatch(/^text\/plain; charset=utf-8/)
    expect(html!.type).toMatch(/^text\/html; charset=utf-8/)
    expect(plain!.text.replaceAll('\r\n', '\n').trimEnd()).toBe(mail.text.trimEnd())
    expect(html!.text.replaceAll('\r\n', '\n').trimEnd()).toBe(mail.html.trimEnd())
  })

  test('to a domain in other letters is addressed in ASCII', async () => {
    const server = await serve()
    await mailerTo(`smtp://127.0.0.1:${server.port}`).send({ ...mail, to: 'ada@bücher.example' })
    expect(parseMail(server.mails[0]!.raw).header('to')).toContain('<ada@xn--bcher-kva.example>')
  })

  test('keeps its connection for the next one, and many at once take as many as the pool has', async () => {
    const server = await serve()
    const mailer = mailerTo(`smtp://127.0.0.1:${server.port}`, { pool: 2 })
    await mailer.send(mail)
    await mailer.send(mail)
    expect(server.connections()).toBe(1)
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => mailer.send({ ...mail, to: `user${index}@example.com` })),
    )
    expect(server.connections()).toBe(2)
    expect(server.mails).toHaveLength(22)
  })
})

describe('nobody can add a header or a receiver', () => {
  const known = new Set([
    'from',
    'to',
    'subject',
    'message-id',
    'date',
    'mime-version',
    'content-type',
    'auto-submitted',
    'x-note',
  ])
  const attacks = [
    '\r\nBcc: eve@example.com',
    '\nBcc: eve@example.com',
    '\rBcc: eve@example.com',
    '\r\n\r\n<script>',
    '\0',
    '\u2028Bcc: eve@example.com',
  ]

  test('by line breaks in subject, address, name or header: refused before anything is sent', async () => {
    const server = await serve()
    const mailer = mailerTo(`smtp://127.0.0.1:${server.port}`)
    for (const attack of attacks)
      for (const part of [
        { subject: `x${attack}` },
        { to: `ada@example.com${attack}` },
        { toName: `Ada${attack}` },
        { headers: { 'X-Note': `x${attack}` } },
      ])
        expect((await troubleOf(mailer.send({ ...mail, ...part }))).temporary).toBe(false)
    expect(server.connections()).toBe(0)
  })

  test('by lists, quotes, comments and encoded words', async () => {
    const server = await serve()
    const mailer = mailerTo(`smtp://127.0.0.1:${server.port}`)
    const words = [
      'Ada" <eve@example.com>, "',
      'eve@example.com, Ada',
      'x <eve@example.com>',
      '=?utf-8?Q?x=0D=0ABcc:_eve@example.com?=',
      'group: eve@example.com;',
      '\\"',
      '(',
      '"',
    ]
    for (const word of words) {
      await mailer.send({ ...mail, toName: word, subject: word, headers: { 'X-Note': word } })
      const sent = server.mails.at(-1)!
      const received = parseMail(sent.raw)
      expect(sent.to).toEqual(['ada@example.com'])
      expect(received.headers.map(([name]) => name).filter((name) => !known.has(name))).toEqual([])
      expect(received.header('to')).toMatch(/<ada@example\.com>$/)
    }
  })

  test('by anything at all', async () => {
    const server = await serve()
    const mailer = mailerTo(`smtp://127.0.0.1:${server.port}`)
    const marks = [
      ':',
      ' ',
      ',',
      '<',
      '>',
      '"',
      '@',
      '=',
      '?',
      '.',
      '\\',
      'a',
      'Bcc',
      'ü',
      '😀',
      ';',
      '(',
      '=?utf-8?Q?',
    ]
    const text = (units: readonly string[]) => fc.string({ unit: fc.constantFrom(...units), maxLength: 30 })
    const evil = fc.oneof({ weight: 9, arbitrary: text(marks) }, text([...marks, '\r', '\n', '\r\n', '\0', '\t']))
    let sent = 0
    await fc.assert(
      fc.asyncProperty(evil, evil, evil, async (toName, subject, note) => {
        try {
          await mailer.send({ ...mail, toName, subject, headers: { 'X-Note': note } })
        } catch (error) {
          if (MailError.is(error) && !error.temporary) return
          throw error
        }
        sent += 1
        const last = server.mails.at(-1)!
        const received = parseMail(last.raw)
        expect(server.mails).toHaveLength(sent)
        expect(last.to).toEqual(['ada@example.com'])
        expect(received.headers.map(([name]) => name).filter((name) => !known.has(name))).toEqual([])
        expect(new Set(received.headers.map(([name]) => name)).size).toBe(received.headers.length)
        expect(partsOf(received)).toHaveLength(2)
      }),
      { numRuns: 150 },
    )
    expect(sent).toBeGreaterThan(30)
  })
})

describe('the login', () => {
  test('is the one of the URL, escapes and all', async () => {
    const server = await serve({ ...withLogin, key, cert })
    const mailer = mailerTo(`smtp://${login}@localhost:${server.port}`, { ca: cert })
    await mailer.verify()
    await mailer.send(mail)
    expect(server.mails).toMatchObject([{ user: 'mailer', secure: true }])
  })

  test('that is refused says so, without the password that the server repeats', async () => {
    const server = await serve({ ...withLogin, key, cert })
    const wrong = 'wr0ng-Secret-Password'
    const mailer = mailerTo(`smtp://mailer:${wrong}@localhost:${server.port}`, { ca: cert })
    for (const work of [() => mailer.send(mail), () => mailer.verify()]) {
      const error = await troubleOf(work())
      expect(error.message).toContain(`smtp://localhost:${server.port} refuses the login of SMTP_URL: 535`)
      expect(error.temporary).toBe(true)
      expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain(wrong)
    }
    expect(server.mails).toEqual([])
  })

  test('is not left out where the server does not offer one', async () => {
    const server = await serve({ key, cert, disabledCommands: ['AUTH'] })
    const mailer = mailerTo(`smtp://${login}@localhost:${server.port}`, { ca: cert })
    expect((await troubleOf(mailer.send(mail))).message).toContain('refuses the login')
    expect(server.mails).toEqual([])
  })
})

describe('TLS', () => {
  test('from the first byte with smtps://, and by STARTTLS with smtp://', async () => {
    const [implicit, upgraded] = [
      await serve({ secure: true, key, cert }),
      await serve({ key, cert, disabledCommands: ['AUTH'] }),
    ]
    await mailerTo(`smtps://localhost:${implicit.port}`, { ca: cert }).send(mail)
    await mailerTo(`smtp://localhost:${upgraded.port}?starttls=required`, { ca: cert }).send(mail)
    for (const server of [implicit, upgraded]) expect(server.mails).toMatchObject([{ secure: true }])
  })

  test.each(['smtps', 'smtp'])('%s:// does not trust a certificate that nobody vouches for', async (scheme) => {
    const server = await serve(
      scheme === 'smtps' ? { secure: true, key, cert } : { key, cert, disabledCommands: ['AUTH'] },
    )
    const error = await troubleOf(mailerTo(`${scheme}://localhost:${server.port}`).send(mail))
    expect(error.message).toMatch(/self-signed certificate/)
    expect(server.mails).toEqual([])
  })

  test('required and not offered: nothing is sent, not even the login', async () => {
    let tried = 0
    const server = await serve({
      ...withLogin,
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      onAuth: (_auth, _session, callback) => {
        tried += 1
        callback(null, { user: 'mailer' })
      },
    })
    const mailer = mailerTo(`smtp://${login}@127.0.0.1:${server.port}?starttls=required`)
    expect((await troubleOf(mailer.send(mail))).message).toMatch(/TLS/)
    expect(tried).toBe(0)
    expect(server.mails).toEqual([])
    await mailerTo(`smtp://${login}@127.0.0.1:${server.port}`).send(mail)
    expect(server.mails).toHaveLength(1)
  })
})

describe('trouble', () => {
  test('a server that is not there: in words, and worth another try', async () => {
    const server = await mailServer()
    await server.close()
    const mailer = mailerTo(`smtp://127.0.0.1:${server.port}`)
    for (const work of [() => mailer.send(mail), () => mailer.verify()]) {
      const error = await troubleOf(work())
      expect(error.message).toContain(`smtp://127.0.0.1:${server.port} cannot be reached`)
      expect(error.message).toContain('ECONNREFUSED')
      expect(error.temporary).toBe(true)
    }
  })

  test.each([
    [450, 'Mailbox busy', true],
    [452, 'Try later', true],
    [550, 'No such user ada@example.com here', false],
    [552, 'Too large', false],
    [503, 'Bad sequence', true],
  ])('a receiver answered with %i %s', async (responseCode, words, temporary) => {
    const server = await serve({
      onRcptTo: (_address, _session, callback) => callback(Object.assign(new Error(words), { responseCode })),
    })
    const error = await troubleOf(mailerTo(`smtp://127.0.0.1:${server.port}`).send(mail))
    expect(error.message).toContain(`refuses the mail: ${responseCode}`)
    expect(error.message).not.toContain('ada@example.com')
    expect(error.temporary).toBe(temporary)
  })

  test.each([
    [451, true],
    [554, false],
  ])('a mail answered with %i after its data', async (responseCode, temporary) => {
    const server = await serve({
      onData(stream, _session, callback) {
        stream.on('end', () => callback(Object.assign(new Error('Policy'), { responseCode })))
        stream.resume()
      },
    })
    const mailer = mailerTo(`smtp://127.0.0.1:${server.port}`)
    const error = await troubleOf(mailer.send(mail))
    expect(error.message).toContain(`${responseCode} Policy`)
    expect(error.temporary).toBe(temporary)
  })

  test('a connection that breaks in the middle is told, not repeated; the next mail takes a new one', async () => {
    let attempts = 0
    const server = await serve({
      onData(stream, _session, callback) {
        attempts += 1
        if (attempts === 1) stream.once('data', () => server.cut())
        stream.on('end', () => callback())
        stream.resume()
      },
    })
    const mailer = mailerTo(`smtp://127.0.0.1:${server.port}`)
    expect((await troubleOf(mailer.send(mail))).message).toContain('hung up')
    expect(attempts).toBe(1)
    await mailer.send(mail)
    expect(attempts).toBe(2)
  })

  test('a server that never answers is left after the time that was given', async () => {
    const server = await serve({ onMailFrom: () => undefined })
    const mailer = mailerTo(`smtp://127.0.0.1:${server.port}`, { timeout: 300 })
    const error = await troubleOf(mailer.send(mail))
    expect(error.message).toMatch(/did not answer within 0.3 seconds|does not answer in time/)
    expect(error.temporary).toBe(true)
    expect(mailer.resilience?.[0]?.counts).toMatchObject({ timeout: 1, failed: 0 })
  })

  test('nor does a health check wait for one that says one letter after the other', async () => {
    const slow = createServer((socket) => {
      socket.on('error', () => undefined)
      const drip = setInterval(() => socket.write('2'), 50)
      socket.on('close', () => clearInterval(drip))
    })
    await new Promise<void>((resolve) => void slow.listen(0, '127.0.0.1', resolve))
    const { port } = slow.address() as AddressInfo
    const error = await troubleOf(mailerTo(`smtp://127.0.0.1:${port}`, { timeout: 300 }).verify())
    expect(error.message).toContain('did not answer within 0.3 seconds')
    slow.close()
  })

  test('a closed mailer lets a mail on its way arrive, and takes no other', async () => {
    let goOn = (): void => undefined
    const asked = new Promise<void>((resolve) => {
      goOn = resolve
    })
    let release = (): void => undefined
    const server = await serve({
      onMailFrom(_address, _session, callback) {
        release = () => callback()
        goOn()
      },
    })
    const mailer = mailerTo(`smtp://127.0.0.1:${server.port}`)
    const sending = mailer.send(mail)
    await asked
    const closing = mailer.close()
    expect((await troubleOf(mailer.send(mail))).message).toContain('closed')
    release()
    await Promise.all([sending, closing])
    expect(server.mails).toHaveLength(1)
  })
})
